import ast

from local.paths import ROOT

OWN_PACKAGES = {"bot", "server", "local", "bench"}


def test_a_peer_uses_nothing_of_this_product() -> None:
    """A program in bench/peers imports none of this project's packages."""
    for path in (ROOT / "bench" / "peers").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not OWN_PACKAGES & {name.split(".")[0] for name in names}, path.name
