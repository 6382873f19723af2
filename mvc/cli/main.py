"""The entry point. One place catches: a user's error, a bug with a log file, Ctrl-C."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `mvc` and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # asked by scripts and shell prompts: no need to load anything
        from mvc._version import __version__  # noqa: PLC0415

        print(f"mvc {__version__}")
        return
    import gc  # noqa: PLC0415

    gc.disable()  # a command is short-lived: scanning 100,000 names for cycles is what takes time
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    import typer  # noqa: PLC0415

    from mvc.cli import failures  # noqa: PLC0415
    from mvc.cli.app import command  # noqa: PLC0415
    from mvc.errors import MvcError  # noqa: PLC0415

    try:
        return command().main(arguments or ["--help"], prog_name="mvc", standalone_mode=False) or 0
    except MvcError as error:
        return failures.report(error)
    except typer.TyperException as error:
        return failures.report_usage(error.format_message(), arguments)
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
