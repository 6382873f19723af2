"""The entry point. One place catches: a user's error, a bug with a log file, Ctrl-C."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `mvc` and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # asked by scripts and shell prompts: no need to load anything
        from mvc._version import __version__  # noqa: PLC0415

        print(f"mvc {__version__}")
        return
    if sys.argv[1:4] in (["hook", "run", "pre-commit"], ["hook", "run", "pre-merge-commit"]):
        _become_the_hook()
    import gc  # noqa: PLC0415

    gc.disable()  # a command is short-lived: scanning 100,000 names for cycles is what takes time
    try:
        _survive_any_name()
        sys.exit(_flushed(run(sys.argv[1:])))
    except KeyboardInterrupt:  # so early that nothing had begun
        sys.exit(130)
    finally:
        gc.freeze()  # the interpreter would scan all of it once more as it ends


def _become_the_hook() -> None:
    """Start the program that judges: it needs nothing of the command line, and Git waits for it at every commit.

    What lies between two revisions, as the framework pre-commit may ask, is `mvc.cli.commands.hook`'s.
    """
    import os  # noqa: PLC0415

    if "PRE_COMMIT_TO_REF" not in os.environ:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "mvc.hook", *sys.argv[3:]])  # noqa: S606 - this very Python


def _survive_any_name() -> None:
    """Print what the terminal's encoding lacks as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # typeshed says TextIO


def _flushed(code: int) -> int:
    """Return `code` once the output is out; what is left in the buffer may find a full disk or a closed pipe."""
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
    """Run one command line and return its exit code."""
    import typer  # noqa: PLC0415

    from mvc.cli import failures  # noqa: PLC0415
    from mvc.cli.lazy import command  # noqa: PLC0415
    from mvc.errors import MvcError  # noqa: PLC0415

    try:
        return command().main(arguments or ["--help"], prog_name="mvc", standalone_mode=False) or 0
    except MvcError as error:
        return failures.report(error)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        return failures.report_usage(error.format_message(), arguments, context.command_path if context else "")
    except (KeyboardInterrupt, typer.Abort):
        return failures.INTERRUPTED
    except BrokenPipeError:
        return failures.quiet_pipe()
    except OSError as error:
        return failures.report_os_error(error)
    except Exception:  # noqa: BLE001 - the last line of defence: a bug, logged and named
        return failures.report_bug(arguments)


if __name__ == "__main__":
    main()
