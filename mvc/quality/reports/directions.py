"""Which direction of a metric is better, judged by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

_UP = frozenset({
    "acc", "accuracy", "auc", "auroc", "auprc", "aucpr", "roc", "ap", "map", "f1", "f2", "fbeta", "precision", "recall",
    "sensitivity", "specificity", "tpr", "tnr", "ppv", "npv", "ndcg", "dcg", "mrr", "hit", "hits", "r2", "rsquared",
    "explained", "mcc", "kappa", "jaccard", "iou", "miou", "dice", "bleu", "sacrebleu", "rouge", "rougel", "rougelsum",
    "meteor", "chrf", "cider", "spice", "bertscore", "em", "exact", "exactmatch", "pass", "psnr", "ssim", "gini",
    "spearman", "pearson", "kendall", "correlation", "likelihood", "throughput", "qps", "fps", "silhouette",
})
_DOWN = frozenset({
    "loss", "losses", "logloss", "error", "errors", "err", "rmse", "mae", "mse", "mape", "smape", "medae", "msle",
    "rmsle", "mase", "crps", "nll", "perplexity", "ppl", "entropy", "bpb", "bpc", "wer", "cer", "ter", "mer", "eer",
    "fid", "kid", "brier", "ece", "mce", "fpr", "fnr", "fdr", "hausdorff", "latency", "ms", "us", "ns", "seconds",
    "sec", "runtime", "deviance", "regret", "toxicity", "hallucination",
})
_NEITHER = frozenset({
    "gap", "drop", "diff", "difference", "delta", "std", "stdev", "stderr", "se", "var", "variance", "change",
    "regression", "degradation", "disparity", "reduction", "improvement", "ratio", "count", "support", "num", "n",
})
"""With one of these words a name has no direction."""


def higher_is_better(name: str) -> bool | None:
    """Return whether higher is better by the words of a name; None when they say nothing, or disagree."""
    words = set(_words(name))
    if "explained" in words:
        words.discard("variance")
    if words & _NEITHER:
        return None
    up, down = bool(words & _UP), bool(words & _DOWN)
    if up == down:
        return None
    return up != ("neg" in words)  # scikit-learn's scorers: neg_log_loss


def _words(name: str) -> Iterator[str]:
    """Yield a name's words: `val_auc`, `valAUC` and `ndcg@10` have two; `rouge1` and `map50` also without digits."""
    for part in re.split(r"[^A-Za-z0-9]+", name):
        for word in {part, *re.findall(r"[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*(?![a-z])", part)}:
            yield word.lower()
            yield word.lower().rstrip("0123456789") or word
