"""`sbomkit verify`: is this signed, by whom it should be, and what does it say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sbomkit.cli._registry import access_from, registry_options, taken_from
from sbomkit.cli._who import Who, who_from, who_options
from sbomkit.errors import CannotCheck, Refused, UsageError

if TYPE_CHECKING:
    from sbomkit.attest import Target, Verification, Verified
    from sbomkit.attest.verifier import Candidate
    from sbomkit.cli._target import About


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("target")
@click.option("--type", "predicate_type", metavar="NAME|URI", help="Take only attestations of this predicate type.")
@click.option("--bundle", metavar="FILE", help="Judge this bundle (or JSON lines of them); nothing is fetched for it.")
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Of an index, verify this platform's image.")
@click.option("--all-platforms", is_flag=True, help="Verify the index and each of its images; all must pass.")
@click.option("--predicate-out", metavar="FILE", help="Write the verified predicate; `-` is standard output.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@who_options
@registry_options
def command(
    target: str,
    predicate_type: str | None,
    bundle: str | None,
    platform: str | None,
    all_platforms: bool,
    predicate_out: str | None,
    output: str,
    **options: Any,
) -> int:
    """Verify that TARGET is signed by whom you believe.

    \b
    TARGET is an image (a reference in a registry, or oci-dir:PATH[:TAG]), a file, or a digest sha256:HEX.

    Without --bundle, what is attached to the image is judged: referrers, cosign's tags, signed attestation manifests.
    Each candidate is taken or refused for a reason that is told. Nothing that could not be checked counts as passed,
    and a predicate is handed out only once it is verified.

    \b
    Examples:
      sbomkit verify registry.example/app:1.2 --type cyclonedx --certificate-identity me@example.org \\
          --certificate-oidc-issuer https://github.com/login/oauth
      sbomkit verify registry.example/app@sha256:... --key release.pub --key next.pub --max-age 30d
      sbomkit verify app.tar.gz --bundle app.sigstore.json --key release.pub --trusted-root root.json

    Exit codes: 0 verified, 1 refused, 2 wrong call, 3 could not be checked.
    """
    from sbomkit.attest import predicate_uri

    access_words = taken_from(options)
    who = who_from(**options)
    uri = predicate_uri(predicate_type) if predicate_type else None
    outcomes = _judged(target, access_words, who, uri, bundle, platform, all_platforms)
    _tell(outcomes, output, quiet=predicate_out == "-")
    failed = [outcome for outcome in outcomes if not outcome.ok]
    if failed:
        return 3 if all(_unchecked(outcome) for outcome in failed) else 1
    if predicate_out:
        _hand_out([verified for outcome in outcomes for verified in outcome.verified], predicate_out)
    return 0


def _judged(
    words: str,
    access_words: dict[str, Any],
    who: Who,
    predicate_type: str | None,
    bundle: str | None,
    platform: str | None,
    all_platforms: bool,
) -> list[Verification]:
    from sbomkit.attest import verify
    from sbomkit.cli._target import about

    this = about(words, access_from(words, **access_words), keep=True)
    if bundle is None and this.place is None:
        raise UsageError(f"{words}: nothing is attached to a file or a digest", hint="Give its --bundle FILE.")
    if this.place is None and (platform or all_platforms):
        raise UsageError("--platform and --all-platforms are for images")
    return [
        verify(
            candidates, target, who.policy, predicate_type=predicate_type, trusted_roots=who.roots, max_age=who.max_age
        )
        for target, candidates in _candidates(this, bundle, platform, all_platforms)
    ]


def _candidates(
    this: About, bundle: str | None, platform: str | None, all_platforms: bool
) -> Iterator[tuple[Target, list[Candidate]]]:
    """Each thing to verify, with what claims to sign it. A tag is resolved once, by the place."""
    from sbomkit.attest import Target, read_bundles
    from sbomkit.cli._signing import read_small
    from sbomkit.oci.platform import Platform
    from sbomkit.publish.discover import discover
    from sbomkit.publish.evidence import evidence
    from sbomkit.publish.platforms import digest_for, node_for

    given = list(read_bundles(read_small(bundle, 256 << 20), bundle)) if bundle else None
    if this.place is None:
        if this.target is not None:
            yield this.target, list(given or [])
        return
    wanted = Platform.parse(platform) if platform else None
    if given is not None:
        if all_platforms:
            raise UsageError("--bundle and --all-platforms exclude each other")
        digest = digest_for(this.place, wanted) if wanted else this.place.root().descriptor.digest
        yield Target.of_digest(digest), list(given)
        return
    node = discover(this.place)
    if wanted:
        node = node_for(node, wanted, this.place.name)
    for part in (node, *node.platforms) if all_platforms else (node,):
        digest = part.descriptor.digest
        yield Target.of_digest(digest), list(evidence(this.place, part, digest))


def _unchecked(outcome: Verification) -> bool:
    try:
        outcome.require()
    except CannotCheck:
        return True
    except Refused:
        return False
    return False


def _tell(outcomes: list[Verification], output: str, *, quiet: bool) -> None:
    if output == "json":
        import orjson

        plain = [_plain(outcome) for outcome in outcomes]
        click.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode(), err=quiet)
        return
    for outcome in outcomes:
        for line in _lines(outcome):
            click.echo(line, err=quiet or not outcome.ok)


def _lines(outcome: Verification) -> Iterator[str]:
    mark = click.style("verified", fg="green") if outcome.ok else click.style("refused", fg="red")
    yield f"{mark}: {outcome.target}"
    for verified in outcome.verified:
        yield f"  taken: {_shown(verified.origin)}: {_said(verified)}"
    for refusal in outcome.refusals:
        yield f"  not taken: {_shown(refusal.origin)}: {refusal.reason}: {_shown(refusal.message)}"
    if not outcome.verified and not outcome.refusals:
        yield "  nothing signed was found (for an index, see also --platform and --all-platforms)"


def _said(verified: Verified) -> str:
    signer = (
        verified.signer if isinstance(verified.signer, str) else f"{verified.signer.subject} ({verified.signer.issuer})"
    )
    when = min((time.time for time in verified.times), default=None)
    at = f", at {when:%Y-%m-%dT%H:%M:%SZ} by {verified.times[0].source}" if when else ", at no verified time"
    what = verified.predicate_type or "a plain signature"
    return _shown(f"{what}, signed by {signer}{at}")


def _shown(text: str) -> str:
    """Fit for a terminal: what a stranger wrote may hold its escape codes."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:1000])


def _plain(outcome: Verification) -> dict[str, object]:
    return {
        "target": str(outcome.target),
        "verified": outcome.ok,
        "taken": [_plain_verified(verified) for verified in outcome.verified],
        "notTaken": [{"origin": r.origin, "reason": str(r.reason), "message": r.message} for r in outcome.refusals],
    }


def _plain_verified(verified: Verified) -> dict[str, object]:
    signer: dict[str, object] = {"key": verified.signer}
    if not isinstance(verified.signer, str):
        signer = {
            "identity": verified.signer.subject,
            "issuer": verified.signer.issuer,
            "claims": dict(verified.signer.claims),
        }
    return {
        "origin": verified.origin,
        "signer": signer,
        "predicateType": verified.predicate_type,
        "times": [{"time": f"{t.time:%Y-%m-%dT%H:%M:%SZ}", "source": str(t.source)} for t in verified.times],
        "logIndices": list(verified.log_indices),
    }


def _hand_out(taken: list[Verified], path: str) -> None:
    import orjson

    from sbomkit.cli._output import write_all

    statements = [verified for verified in taken if verified.statement is not None]
    if not statements:
        raise UsageError("what was verified is a plain signature, which has no predicate")
    if len({orjson.dumps(v.predicate, option=orjson.OPT_SORT_KEYS) for v in statements}) > 1:
        raise UsageError(f"{len(statements)} different predicates are verified", hint="Choose one with --type.")
    raw = orjson.dumps(statements[0].predicate)
    write_all([("" if path == "-" else path, raw)])
