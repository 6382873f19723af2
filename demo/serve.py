"""`make demo-serve`: a model in production: served, followed, watched, rolled back. With a real Prometheus."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

from shell import HERE, Shell, put_files_there, title

MODEL = "models/tumours.joblib"
PROMETHEUS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: serve
    static_configs: [{{targets: ["127.0.0.1:{serve}"]}}]
  - job_name: files
    metrics_path: /drift.prom
    static_configs: [{{targets: ["127.0.0.1:{files}"]}}]
"""


def trained(kind: str, tag: str) -> str:
    """Return the commands that train a kind of model, evaluate it, and share it."""
    evaluate = f"mvc add -q {MODEL} && sh evaluate.sh {kind} {tag} -q && git commit -qm '{kind.capitalize()}'"
    return f"python train.py {kind} && {evaluate} && git push -q"


def main() -> None:
    """Run the demo."""
    root = Path(tempfile.mkdtemp(prefix="mvc-demo-"))
    with Shell(root) as shell:
        ports = dict(zip(("serve", "files", "prometheus"), free_ports(3), strict=True))
        shell.environment |= {name.upper(): str(port) for name, port in ports.items()}
        set_up(shell)
        serve(shell)
        swap(shell)
        refuse(shell)
        watch(shell, ports)
        roll_back(shell)
    print(f"Every step succeeded. The repository is in {shell.repo}")


def set_up(shell: Shell) -> None:
    """Make a repository with one model, and the clone of a host that serves."""
    put_files_there(shell.repo)
    for name in ("client.py", "broken.py"):
        shutil.copy(HERE / name, shell.repo)
    shell.quietly("git init -q --bare -b main ../origin && git init -q -b main . && git remote add origin ../origin")
    shell.quietly("git config user.name Ada && git config user.email ada@example.com")
    shell.quietly("mvc init -q && mvc remote add nas ../nas --default && mvc add -q data/tumours && git add .")
    shell.quietly("git commit -qm 'Set mvc up' && git push -qu origin main")

    title("Train a model, evaluate it, register it, and give it to the stage prod")
    shell.type(trained("forest", "--tag v1.0.0"))
    shell.type("mvc register tumours --push && mvc promote tumours@v1.0.0 prod --push", "tagged tumours#prod")


def serve(shell: Shell) -> None:
    """Serve what the stage holds, from another clone."""
    title("On another host: serve what prod holds, follow the stage, and keep a log of predictions")
    shell.quietly("git clone -q ../origin ../host")
    serve = "mvc -C ../host serve 'tumours#prod' --port $SERVE --grpc-port off --follow 1 --log ../log"
    shell.start(serve, "serve.log")
    shell.wait_for("curl -sf localhost:$SERVE/v2/health/ready")
    shell.type("curl -s localhost:$SERVE/v2/models/tumours | cut -c -100; echo", "v1.0.0")
    shell.type("cat client.py && python client.py data/tumours/test.csv", "v1.0.0")


def swap(shell: Shell) -> None:
    """Promote another version."""
    title("Promote a better version. The server fetches it, proves it, tries it, and swaps it in")
    shell.type(trained("logistic", "--bump minor"))
    shell.type("mvc register tumours --push && mvc promote tumours@latest prod --push", "tagged tumours#prod")
    shell.wait_for("python client.py data/tumours/test.csv | grep v1.1.0")
    shell.type("python client.py data/tumours/test.csv && tail -n 1 ../serve.log", "v1.1.0")


def refuse(shell: Shell) -> None:
    """Promote a version that cannot predict."""
    title("Promote a version that cannot predict: it is not swapped in, the old one serves on")
    record = f"mvc eval record -q {MODEL} --bump minor --metric accuracy@test=0.99 --dataset test=data/tumours/test.csv"
    commit = "git commit -qm 'A wrong export' && git push -q"
    shell.type(f"python train.py logistic && python broken.py && mvc add -q {MODEL} && {record} && {commit}")
    shell.type("mvc register tumours --push && mvc promote tumours@latest prod --push", "tagged tumours#prod")
    shell.wait_for("curl -s localhost:$SERVE/metrics | grep -E 'follow_failures.*smoke.* [1-9]'")
    shell.type("python client.py data/tumours/test.csv && tail -n 2 ../serve.log", "v1.1.0")
    shell.type("mvc rollback tumours prod -m 'cannot predict' --push", "tagged tumours#prod#4")


def watch(shell: Shell, ports: dict[str, int]) -> None:
    """Compare live labels with the report, and let drift fire an alert."""
    title("Later, the labels are known: live metrics beside those of the report")
    shell.wait_for("mvc monitor score tumours --log ../log --truth labels.csv | grep v1.1.0")  # a minute at most
    shell.type("mvc monitor score tumours --log ../log --truth labels.csv", "accuracy")

    title("Watch the server with Prometheus: rules come from policy and report")
    (shell.root / "prometheus.yaml").write_text(PROMETHEUS.format(**ports))
    shell.type("mvc monitor rules tumours > ../rules.yaml && promtool check rules ../rules.yaml", "SUCCESS")
    shell.start("python -m http.server --bind 127.0.0.1 --directory .. $FILES", "files.log")
    shell.start("prometheus --config.file=../prometheus.yaml --storage.tsdb.path=../tsdb --log.level=error "
                "--web.listen-address=127.0.0.1:$PROMETHEUS", "prometheus.log")

    title("Another clinic sends data of another device. The drift fires an alert")
    shift = "t = pd.read_csv('data/tumours/test.csv'); t[t.columns[:10]] *= 1.5; t.to_csv('shifted.csv', index=False)"
    shell.quietly(f'python -c "import pandas as pd; {shift}"')
    shell.type("for i in 1 2 3 4; do python client.py shifted.csv; done")
    shell.wait_for("! mvc drift --reference tumours#prod --current ../log | grep '^No drift'")
    shell.type("mvc drift --reference tumours#prod --current ../log --prom ../drift.prom", code=1)
    alerts = "curl -s localhost:$PROMETHEUS/api/v1/alerts"
    shell.wait_for(f"{alerts} | grep -i drift | grep firing")
    names = [item["labels"]["alertname"] for item in json.loads(shell.quietly(alerts))["data"]["alerts"]]
    print("Alerts:", ", ".join(sorted(names)), flush=True)


def roll_back(shell: Shell) -> None:
    """Take the first version again."""
    title("Roll back. The server swaps the first version in, without a lost request")
    shell.type("mvc rollback tumours prod --to v1.0.0 --push -m 'the other device'", "tagged tumours#prod#5")
    shell.wait_for("python client.py data/tumours/test.csv | grep v1.0.0")
    shell.type("tail -n 1 ../serve.log && mvc history tumours | head -n 5", "rollback")


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [item.getsockname()[1] for item in sockets]


if __name__ == "__main__":
    main()
