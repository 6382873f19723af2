"""Pull requests that vouch for themselves: signatures that do not count, and guards that are weakened."""

from __future__ import annotations

from gate.histories import (
    ASSURED,
    PLAIN,
    RANKER,
    SIGNED,
    SPAM,
    SYMLINK,
    TWICE_SIGNED,
    History,
    attack,
    auc,
    data,
    p95,
    regressing,
    ruled,
    waiver,
)

from mvc.quality.files import POLICY, REVOKED, SIGNATURES, SIGNERS, SUFFIX, WAIVERS
from mvc.quality.reports.report import Evaluator

REPORT = RANKER + SUFFIX
EXPIRED = 'ada@example.com valid-before="20010101" ada'
PRINCIPALS = ("ada", "bob", "ci")


def _signed(pr: History, policy: str = SIGNED, *lines: str) -> None:
    """Begin with reports that Ada and Bob signed."""
    pr.trust(*(lines or PRINCIPALS))
    pr.start(policy, signed=("ada", "bob"))


# Signatures.


@attack("MVC125")
def unsigned(pr: History) -> None:
    """Do not sign."""
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.remove(REPORT + SIGNATURES)
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signature_of_the_report_before(pr: History) -> None:
    """Leave the signature of the old report beside the new one."""
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signed_report_edited(pr: History) -> None:
    """Edit one digit of a report that was signed."""
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0", auc(0.929), p95(30))
    pr.sign("ada")
    pr.replace(REPORT, "value: 0.929", "value: 0.999")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signature_of_another_report(pr: History) -> None:
    """Copy the signature of another model's report."""
    pr.trust(*PRINCIPALS)
    pr.start(SIGNED, signed=("ada",))
    pr.train("spam", "v1.0.0", path=SPAM)
    pr.sign("ada", path=SPAM)
    pr.commit()
    pr.change()
    pr.train("next", "v1.3.0")
    pr.put(REPORT + SIGNATURES, pr.read(SPAM + SUFFIX + SIGNATURES))
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signature_of_a_stranger(pr: History) -> None:
    """Sign with a key that nobody knows."""
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("mallory")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signature_for_another_purpose(pr: History) -> None:
    """Use a signature that was made for a commit or a file: of another namespace."""
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada", namespace="git")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signature_of_a_key_for_another_purpose(pr: History) -> None:
    """Sign with a key that may sign commits, and no reports."""
    pr.trust('ada@example.com namespaces="git" ada')
    pr.start(SIGNED)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signature_that_is_noise(pr: History) -> None:
    """Leave something that looks like a signature."""
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.put(REPORT + SIGNATURES, "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n")
    pr.commit()


@attack("MVC125")
def one_signature_twice(pr: History) -> None:
    """Show one signature twice, where two are asked for."""
    _signed(pr, TWICE_SIGNED)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada", "ada")
    pr.commit()


@attack("MVC125")
def one_key_for_two_signers(pr: History) -> None:
    """Sign once with a key that is listed for two people."""
    _signed(pr, TWICE_SIGNED, "ada", "bob", "carol@example.com ada")
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


@attack("MVC125")
def two_keys_of_one_signer(pr: History) -> None:
    """Sign with two keys of the same person."""
    _signed(pr, TWICE_SIGNED, "ada", "bob", "ada@example.com adas-other-key")
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada", "adas-other-key")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signer_whose_key_has_expired(pr: History) -> None:
    """Sign with a key that was valid once."""
    _signed(pr, SIGNED, EXPIRED, "bob")
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


@attack("MVC125", besides={"warning MVC126"})
def signer_whose_key_is_revoked(pr: History) -> None:
    """Sign with a key that was stolen, and revoked."""
    pr.put(REVOKED, f"{pr.keys.public('ada')}\n")
    _signed(pr)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


@attack("MVC125", "MVC411", besides={"warning MVC126"})
def signer_added_in_the_same_change(pr: History) -> None:
    """Add one's own key to the signers, and sign with it."""
    _signed(pr)
    pr.change()
    pr.trust(*PRINCIPALS, "mallory")
    pr.train("next", "v1.3.0")
    pr.sign("mallory")
    pr.commit()


@attack("MVC125", "MVC411", besides={"warning MVC126"})
def key_of_a_signer_exchanged_in_the_same_change(pr: History) -> None:
    """Give a signer another key, and sign with that."""
    _signed(pr)
    pr.change()
    pr.trust("ada@example.com mallory", "bob", "ci")
    pr.train("next", "v1.3.0")
    pr.sign("mallory")
    pr.commit()


@attack("MVC125", "MVC411", besides={"warning MVC126"})
def revocation_taken_back_in_the_same_change(pr: History) -> None:
    """Take a key off the list of those that are revoked, and sign with it."""
    pr.put(REVOKED, f"{pr.keys.public('ada')}\n")
    _signed(pr)
    pr.change()
    pr.remove(REVOKED)
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


@attack("MVC414", "MVC125", besides={"warning MVC126"})
def signers_that_cannot_be_read(pr: History) -> None:
    """Sign where base's list of signers is a symlink: nobody's signature counts."""
    pr.put(SIGNERS, "../signers", SYMLINK)
    pr.start(SIGNED)
    pr.change()
    pr.train("next", "v1.3.0")
    pr.sign("ada")
    pr.commit()


# Assurance and age.


@attack("MVC124", "MVC125")
def self_awarded_assurance(pr: History) -> None:
    """Write `assurance: ci` into the report, and leave it at that."""
    pr.trust(*PRINCIPALS)
    pr.start(ASSURED)
    pr.change()
    pr.train("next", "v1.3.0", evaluator=Evaluator("ci", "ci"))
    pr.commit()


@attack("MVC124")
def assurance_signed_by_who_may_not(pr: History) -> None:
    """Claim that CI evaluated; sign it as somebody whose word is not CI's."""
    pr.trust(*PRINCIPALS)
    pr.start(ASSURED)
    pr.change()
    pr.train("next", "v1.3.0", evaluator=Evaluator("ci", "ci"))
    pr.sign("ada")
    pr.commit()


@attack("MVC124")
def assurance_not_claimed(pr: History) -> None:
    """Have CI sign a report that says of itself that nobody but its author evaluated."""
    pr.trust(*PRINCIPALS)
    pr.start(ASSURED)
    pr.change()
    pr.train("next", "v1.3.0", evaluator=Evaluator("ada", "self"))
    pr.sign("ci")
    pr.commit()


@attack("MVC127")
def report_too_old(pr: History) -> None:
    """Offer an evaluation from long ago."""
    pr.start(ruled("max_age: 30d"))
    pr.change()
    pr.train("next", "v1.3.0", created_at="2001-01-01T00:00:00Z")
    pr.commit()


@attack("MVC127")
def report_from_the_future(pr: History) -> None:
    """Date the evaluation ahead, so that it stays young."""
    pr.start(ruled("max_age: 30d"))
    pr.change()
    pr.train("next", "v1.3.0", created_at="2999-01-01T00:00:00Z")
    pr.commit()


@attack("MVC127")
def report_without_a_date(pr: History) -> None:
    """Leave the date out."""
    pr.start(ruled("max_age: 30d"))
    pr.change()
    pr.train("next", "v1.3.0")
    pr.commit()


@attack("MVC127")
def report_with_a_date_that_is_none(pr: History) -> None:
    """Write something into the report that no clock shows."""
    pr.start(ruled("max_age: 30d"))
    pr.change()
    pr.train("next", "v1.3.0", created_at="lately")
    pr.commit()


# The policy.


@attack("MVC221", "MVC411")
def policy_weakened_for_oneself(pr: History) -> None:
    """Widen the tolerance, and land what it then allows: base's policy counts all the same."""
    pr.start()
    pr.change()
    pr.put(POLICY, PLAIN.replace("max_regression: 0.005", "max_regression: 0.5"))
    pr.train("worse", "v1.3.0", auc(0.85), p95(30))
    pr.commit()


def _weakened(pr: History, old: str, new: str, policy: str = PLAIN) -> None:
    pr.start(policy)
    pr.change()
    pr.replace(POLICY, old, new)
    pr.commit()


@attack("MVC411")
def policy_with_a_lower_minimum(pr: History) -> None:
    """Lower `min`, for the next pull request."""
    _weakened(pr, "min: 0.8", "min: 0.7")


@attack("MVC411")
def policy_with_a_higher_maximum(pr: History) -> None:
    """Raise `max`."""
    _weakened(pr, "max: 40", "max: 4000")


@attack("MVC411")
def policy_without_a_metric(pr: History) -> None:
    """Take one metric out of a rule."""
    _weakened(pr, 'p95_ms: {max: 40, max_regression: "5%"}', "loss: {}")


@attack("MVC411")
def policy_without_a_tolerance(pr: History) -> None:
    """Take `max_regression` out, which is to allow any."""
    _weakened(pr, "max_regression: 0.005", "direction: higher")


@attack("MVC411")
def policy_that_only_warns(pr: History) -> None:
    """Make an error a warning."""
    _weakened(pr, "auc: {", "auc: {severity: warn, ")


@attack("MVC411")
def policy_that_compares_with_less(pr: History) -> None:
    """Compare with base, where the best counted."""
    _weakened(pr, ", against: best", "", regressing("max_regression: 0.005, against: best"))


@attack("MVC411")
def policy_that_allows_other_data(pr: History) -> None:
    """Compare across data sets from now on."""
    _weakened(pr, "max_regression: 0.005", "max_regression: 0.005, allow_dataset_change: true")


@attack("MVC411")
def policy_that_turns_around(pr: History) -> None:
    """Say that lower is better from now on."""
    bound = "direction: higher, max_regression: 0.005"
    _weakened(pr, "direction: higher", "direction: lower", regressing(bound))


@attack("MVC411")
def policy_whose_rule_means_less(pr: History) -> None:
    """Have the rule match no model that is there."""
    _weakened(pr, "models/**", "models/none/**")


@attack("MVC411")
def policy_with_a_rule_that_lets_be(pr: History) -> None:
    """Add a rule: it speaks instead of the default, and makes reports optional."""
    _weakened(pr, '{match: "data/**"', '{match: "drafts/**", report: optional}\n  - {match: "data/**"')


@attack("MVC411")
def policy_with_optional_reports(pr: History) -> None:
    """Make reports optional where no rule speaks."""
    _weakened(pr, "evaluators:", "defaults: {report: optional}\nevaluators:")


@attack("MVC411")
def policy_with_tags_that_need_not_rise(pr: History) -> None:
    """Let tags go down."""
    _weakened(pr, "evaluators:", "defaults: {tag: {monotonic: false}}\nevaluators:")


@attack("MVC411")
def policy_with_tags_that_any_bytes_may_have(pr: History) -> None:
    """Let a tag be given twice."""
    _weakened(pr, "evaluators:", "defaults: {tag: {unique: false}}\nevaluators:")


@attack("MVC411")
def policy_with_any_tag(pr: History) -> None:
    """Let a tag be anything."""
    _weakened(pr, "evaluators:", 'defaults: {tag: {pattern: ".*"}}\nevaluators:')


@attack("MVC411")
def policy_with_rollbacks(pr: History) -> None:
    """Let any earlier version come back, where none might."""
    _weakened(pr, "rollback: deny", "rollback: history", ruled(defaults="{tag: {rollback: deny}}"))


@attack("MVC411")
def policy_that_lets_large_files_in(pr: History) -> None:
    """Let Git have large files."""
    _weakened(pr, "evaluators:", "defaults: {git: {max_blob: 1GB}}\nevaluators:")


@attack("MVC411")
def policy_that_forbids_fewer_files(pr: History) -> None:
    """Forbid fewer names in Git."""
    _weakened(pr, "evaluators:", 'defaults: {git: {forbid: ["*.pt"]}}\nevaluators:')


@attack("MVC411")
def policy_that_allows_a_file(pr: History) -> None:
    """Let Git have just this model."""
    _weakened(pr, "evaluators:", 'defaults: {git: {allow: ["/tests/**"]}}\nevaluators:')


@attack("MVC411")
def policy_with_another_data_set(pr: History) -> None:
    """Pin other data, for the next pull request."""
    _weakened(pr, data(), data("easy"), ruled(f'datasets: [{{id: holdout, blake3: "{data()}"}}]'))


@attack("MVC411")
def policy_without_slices(pr: History) -> None:
    """Demand slices no more."""
    _weakened(pr, "[country]", "[]", ruled("slices: {required: [country]}", "metrics: {auc: {min: 0.8}}"))


@attack("MVC411")
def policy_with_a_wider_gap(pr: History) -> None:
    """Let slices lie further apart."""
    _weakened(pr, "auc: 0.05", "auc: 0.5", ruled("slices: {max_gap: {auc: 0.05}}"))


@attack("MVC411")
def policy_with_fewer_signatures(pr: History) -> None:
    """Ask for one signature instead of two."""
    _weakened(pr, "min: 2", "min: 1", TWICE_SIGNED)


@attack("MVC411")
def policy_with_less_assurance(pr: History) -> None:
    """Ask for no assurance."""
    _weakened(pr, "assurance: ci", "assurance: self", ASSURED)


@attack("MVC411")
def policy_with_another_evaluator(pr: History) -> None:
    """Have one's own signature count as CI's."""
    _weakened(pr, '["ci@example.com"]', '["ci@example.com", "mallory@example.com"]')


@attack("MVC411")
def policy_with_older_reports(pr: History) -> None:
    """Let reports be older."""
    _weakened(pr, "30d", "3000d", ruled("max_age: 30d"))


@attack("MVC411")
def policy_with_more_formats(pr: History) -> None:
    """Deny no formats."""
    _weakened(pr, "pickle: deny", "pickle: allow", ruled("formats: {pickle: deny}"))


@attack("MVC411")
def policy_with_a_weaker_stage(pr: History) -> None:
    """Ask for less before a version goes into production."""
    stages = "stages:\n  prod: {signatures: {min: 2}}\n"
    _weakened(pr, "min: 2", "min: 0", ruled("metrics: {auc: {min: 0.8}}", more=stages))


@attack("MVC411")
def policy_deleted(pr: History) -> None:
    """Delete the policy: the defaults ask for no metric."""
    pr.start()
    pr.change()
    pr.remove(POLICY)
    pr.commit()


@attack("MVC411")
def signers_deleted(pr: History) -> None:
    """Delete the list of signers."""
    _signed(pr)
    pr.change()
    pr.remove(SIGNERS)
    pr.commit()


@attack("MVC411")
def policy_broken(pr: History) -> None:
    """Leave a policy that nobody can read."""
    _weakened(pr, "mvc-policy: 1", "mvc-policy: 1\nrulez: []")


@attack("MVC401", "MVC101")
def policy_broken_before(pr: History) -> None:
    """Add a model without a report to a main whose policy was broken: the defaults hold, and it is said."""
    pr.start("mvc-policy: 1\nrulez: []\n")
    pr.change()
    pr.point("new", path=SPAM)
    pr.commit()


@attack("MVC401", "MVC411", "MVC101")
def policy_mended_to_less(pr: History) -> None:
    """Mend a broken policy with one that demands less than the defaults."""
    pr.start("mvc-policy: 1\nrulez: []\n")
    pr.change()
    pr.put(POLICY, "mvc-policy: 1\ndefaults: {report: optional}\n")
    pr.point("new", path=SPAM)
    pr.commit()


@attack("MVC401", "MVC411")
def policy_mended_not_at_all(pr: History) -> None:
    """Mend a broken policy with one that is broken as well."""
    pr.start("mvc-policy: 1\nrulez: []\n")
    pr.change()
    pr.put(POLICY, "mvc-policy: 1\nruled: []\n")
    pr.commit()


@attack("MVC401", "MVC411")
def policy_mended_by_taking_it_away(pr: History) -> None:
    """Delete a broken policy."""
    pr.start("mvc-policy: 1\nrulez: []\n")
    pr.change()
    pr.remove(POLICY)
    pr.commit()


@attack("MVC202", besides={"note MVC412", "note MVC417"})
def policy_mended_and_not_met(pr: History) -> None:
    """Mend a broken policy, and land what the mended one does not let pass."""
    mended = 'mvc-policy: 1\nrules:\n  - {match: "models/**", metrics: {auc: {min: 0.8}}}\n'
    pr.start(f"{mended}more: 1\n")
    pr.change()
    pr.put(POLICY, mended)
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


@attack("MVC411")
def policy_a_symlink(pr: History) -> None:
    """Have the policy lie where it can change without a commit."""
    pr.start()
    pr.change()
    pr.put(POLICY, "../policy.yaml", SYMLINK)
    pr.commit()


@attack("MVC411")
def policy_a_directory(pr: History) -> None:
    """Put a directory where the policy was."""
    pr.start()
    pr.change()
    pr.remove(POLICY)
    pr.put(f"{POLICY}/policy.yaml", PLAIN)
    pr.commit()


@attack("MVC411", besides={"warning MVC126"})
def policy_weakened_with_a_stranger_signature(pr: History) -> None:
    """Sign the weaker policy with a key that base does not know."""
    _resigned(pr, "mallory")


def _resigned(pr: History, name: str) -> None:
    pr.trust("ada")
    pr.start()
    pr.change()
    pr.replace(POLICY, "min: 0.8", "min: 0.7")
    pr.sign_change(name, POLICY)
    pr.commit()


@attack("MVC411", besides={"warning MVC126"})
def signature_of_a_policy_replayed(pr: History) -> None:
    """Bring back a weaker policy that was signed once, with its signature, after it was made strict again."""
    pr.trust("ada")
    pr.start()
    strict = pr.read(POLICY)
    pr.replace(POLICY, "min: 0.8", "min: 0.7")
    pr.sign_change("ada", POLICY)
    weak = pr.commit()
    pr.put(POLICY, strict.replace(b"min: 0.8,", b"min: 0.85,"))
    pr.remove(POLICY + SIGNATURES)
    pr.commit()
    pr.change()
    pr.take(weak, POLICY, POLICY + SIGNATURES)
    pr.commit()


@attack("MVC411", besides={"warning MVC126", "note MVC412"})
def signature_of_another_guarded_file(pr: History) -> None:
    """Use a signature that Ada gave for the list of signers under a weaker policy."""
    pr.trust("ada")
    pr.start()
    pr.change()
    pr.trust("ada", "bob")
    pr.sign_change("ada", SIGNERS)
    pr.replace(POLICY, "min: 0.8", "min: 0.7")
    pr.put(POLICY + SIGNATURES, pr.read(SIGNERS + SIGNATURES))
    pr.commit()


# Waivers.


def _waived(pr: History, text: str) -> None:
    """Begin with a waiver, then offer a model with an auc of 0.7."""
    pr.put(WAIVERS, text)
    pr.start(regressing("min: 0.8"))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


def _report(pr: History) -> bytes:
    """Return the report that `_waived` offers."""
    return pr.report("worse", "v1.3.0", auc(0.7))


@attack("MVC202", "MVC411")
def waiver_added_in_the_same_change(pr: History) -> None:
    """Waive one's own finding."""
    pr.start(regressing("min: 0.8"))
    pr.change()
    raw = pr.train("worse", "v1.3.0", auc(0.7))
    pr.put(WAIVERS, waiver("MVC202", "worse", raw))
    pr.commit()


@attack("MVC202")
def waiver_for_other_bytes(pr: History) -> None:
    """Train again under a waiver that was given for another training."""
    _waived(pr, waiver("MVC202", "base", _report(pr)))


@attack("MVC202")
def waiver_for_another_report(pr: History) -> None:
    """Evaluate again, worse, under a waiver that was given for the first evaluation."""
    _waived(pr, waiver("MVC202", "worse", pr.report("worse", "v1.3.0", auc(0.79))))


@attack("MVC202")
def waiver_for_another_code(pr: History) -> None:
    """Have another finding than the one that is waived."""
    _waived(pr, waiver("MVC221", "worse", _report(pr)))


@attack("MVC202", besides={"note MVC220"})
def waiver_for_another_path(pr: History) -> None:
    """Copy model and report, byte for byte, from where somebody answered for them to where nobody did."""
    text = waiver("MVC202", "worse", pr.report("worse", "v1.3.0", auc(0.7)))
    pr.put(WAIVERS, f"{text}    path: {RANKER}\n")
    pr.start(regressing("min: 0.8"), auc(0.9))
    pr.change()
    pr.train("worse", "v1.3.0", auc(0.7), path=SPAM)
    pr.commit()


@attack("MVC202", "MVC411")
def waiver_widened_in_the_same_change(pr: History) -> None:
    """Take the path out of a waiver."""
    text = waiver("MVC202", "worse", pr.report("worse", "v1.3.0", auc(0.7)))
    pr.put(WAIVERS, f"{text}    path: {SPAM}\n")
    pr.start(regressing("min: 0.8"))
    pr.change()
    pr.put(WAIVERS, text)
    pr.train("worse", "v1.3.0", auc(0.7))
    pr.commit()


@attack("MVC202", besides={"warning MVC416"})
def waiver_that_has_expired(pr: History) -> None:
    """Land after the day until which somebody answered for it."""
    _waived(pr, waiver("MVC202", "worse", _report(pr), expires="2001-01-01"))


@attack("MVC202", "MVC414")
def waivers_that_cannot_be_read(pr: History) -> None:
    """Land under waivers that nobody can read."""
    _waived(pr, waiver("MVC202", "worse", _report(pr)) + "  more: [\n")


@attack("MVC101")
def waiver_for_a_report_that_is_gone(pr: History) -> None:
    """Delete the report that somebody answered for."""
    raw = pr.report("worse", "v1.3.0", auc(0.7))
    pr.put(WAIVERS, waiver("MVC101", "worse", raw))
    pr.start(regressing("min: 0.8"))
    pr.change()
    pr.point("worse")
    pr.remove(REPORT)
    pr.commit()
