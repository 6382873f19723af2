"""The entry point: runs a command, and turns errors, bugs and Ctrl-C into exit codes."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `mvc` and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # for scripts and shell prompts: fast
        from mvc._version import __version__  # noqa: PLC0415

        print(f"mvc {__version__}")
        return
    from mvc.utf8 import ensure_utf8  # noqa: PLC0415

    ensure_utf8()
    if sys.argv[1:4] in (["hook", "run", "pre-commit"], ["hook", "run", "pre-merge-commit"]):
        _become_the_hook()
    import gc  # noqa: PLC0415

    gc.disable()  # a command is short-lived, and scanning 100,000 names for cycles takes time
    try:
        _survive_any_name()
        sys.exit(_flushed(run(sys.argv[1:])))
    except KeyboardInterrupt:  # before `run`
        sys.exit(130)
    finally:
        gc.freeze()  # otherwise the interpreter scans all objects again at exit


def _become_the_hook() -> None:
    """Replace this process by `mvc.hook`, which does not load the command line: Git waits for it at every commit.

    With PRE_COMMIT_TO_REF, the framework pre-commit passes a range of revisions: see `mvc.cli.commands.hook`.
    """
    import os  # noqa: PLC0415

    if "PRE_COMMIT_TO_REF" not in os.environ:
        line = [sys.executable, "-X", "utf8", "-P", "-m", "mvc.hook", *sys.argv[3:]]
        os.execv(sys.executable, line)  # noqa: S606 - the same Python


def _survive_any_name() -> None:
    """Print characters that the terminal's encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by the caller
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # typeshed says TextIO


def _flushed(code: int) -> int:
    """Flush the output and return `code`; the disk may be full, or the pipe closed."""
    from mvc.cli import failures  # noqa: PLC0415

    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        return failures.quiet_pipe() or code
    except OSError as error:
        failures.quiet_pipe()
        return code or failures.report_os_error(error)
    return code


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code."""
    import typer  # noqa: PLC0415

    from mvc.cli import failures  # noqa: PLC0415
    from mvc.cli.lazy import command  # noqa: PLC0415
    from mvc.errors import MvcError  # noqa: PLC0415

    try:
        code = command().main(arguments or ["--help"], prog_name="mvc", standalone_mode=False) or 0
        return failures.report_interruption() if code == failures.INTERRUPTED else code  # typer catches Ctrl-C
    except MvcError as error:
        return failures.report(error)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        return failures.report_usage(error.format_message(), arguments, context.command_path if context else "")
    except (KeyboardInterrupt, typer.Abort):
        return failures.report_interruption()
    except BrokenPipeError:
        return failures.quiet_pipe()
    except OSError as error:
        return failures.report_os_error(error)
    except Exception:  # noqa: BLE001 - a bug: it is logged and reported
        return failures.report_bug(arguments)


if __name__ == "__main__":
    main()
