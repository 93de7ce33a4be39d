"""Every number that decides about a document stands in the policy, under its version."""

import ast
from collections.abc import Iterator

import pytest

from validator.diff.change import Level
from validator.policy import DEFAULT, Policy
from validator.report.rules import Step

from .modules import trees

SMALL = {-1, 0, 1, 2}
"""Everyday numbers of any program."""


def numbers_of(tree: ast.Module) -> Iterator[str]:
    """``NAME = number`` of modules and classes, and numbers that functions compare or cut with."""
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef():
                yield from _constants(node)
            case ast.arguments():
                defaults = zip(reversed([*node.posonlyargs, *node.args]), reversed(node.defaults), strict=False)
                defaulted = [*defaults, *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
                yield from (name.arg for name, value in defaulted if value and _holds_number(value) and _is_big(value))
            case ast.Compare():
                yield from _literals([node.left, *node.comparators])
            case ast.Slice():
                yield from _literals([each for each in (node.lower, node.upper) if each])
            case ast.Call(func=ast.Name(id="range" | "islice" | "min" | "max")):
                yield from _literals(node.args)


def _constants(scope: ast.Module | ast.ClassDef) -> Iterator[str]:
    for statement in scope.body:
        match statement:
            case ast.Assign(targets=[target], value=value) if _holds_number(value):
                yield ast.unparse(target)
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _holds_number(value):
                yield ast.unparse(target)


def _holds_number(value: ast.expr) -> bool:
    """A number, an expression of numbers, or a tuple of them."""
    match value:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.BinOp(left=left, right=right):
            return _holds_number(left) or _holds_number(right)
        case ast.UnaryOp(operand=operand):
            return _holds_number(operand)
        case ast.Tuple(elts=elements):
            return any(map(_holds_number, elements))
    return False


def _is_big(value: ast.expr) -> bool:
    return not isinstance(value, ast.Constant) or value.value not in SMALL


def _literals(expressions: list[ast.expr]) -> Iterator[str]:
    for expression in expressions:
        for node in ast.walk(expression):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value not in SMALL:
                yield str(node.value)


FORMATS = {
    "checks.permissions": {"(NO_CHANGES, FORM_FILLING, ANNOTATIONS)"},
    "checks.copy_form": {"4", "POINTS_PER_INCH"},
    "checks.structure": {"4"},
    "cms.ber": {
        "(BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, ENUMERATED)", "(UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET)",
        "CONSTRUCTED",
        "INDEFINITE", "LENGTH_DIGITS", "31", "40", "5", "6",
    },
    "cms.certificate": {"(V1, V3)", "(VERSION_TAG, ISSUER_ID_TAGS, EXTENSIONS_TAG)", "64"},
    "cms.distribution_points": {"(POINT_TAG, FULL_TAG, RELATIVE_TAG)", "(REASONS_TAG, ISSUER_TAG)", "131"},
    "cms.extensions": {"128", "32", "8"},
    "cms.general_names": {"DIRECTORY", "DNS", "EDI", "IP", "MAIL", "OTHER", "REGISTERED", "URI", "X400"},
    "cms.names": {
        "(UNIVERSAL_STRING, BMP_STRING)",
        "(UTF8_STRING, NUMERIC_STRING, PRINTABLE_STRING, TELETEX_STRING, IA5_STRING, VISIBLE_STRING)",
    },
    "cms.signed_data": {"(FIRST, SECOND)"},
    "cms.time_stamp": {"EXTENSIONS_TAG"},
    "diff.change": set(Level.__members__),
    "diff.form": {"(SIGNATURES_EXIST, APPEND_ONLY)"},
    "pdf.bounds": {"10", "16", "3", "SHORTEST_ROW"},
    "pdf.field_visibility": {"4"},
    "pdf.history": {"TRAILER"},
    "pdf.layout": {"xref", "stated", "end", "marker_end", "LONGEST_AT_ONCE_BYTES"},
    "pdf.linearized": {"HEAD_BYTES"},
    "pdf.written_references": {"MAX_DIGITS"},
    "pdf.pyhanko_values": {"256"},
    "pdf.values": {"256", "8"},
    "pdf.xref_table": {"10", "11", "16", "17", "MAX_GENERATION", "ROW"},
    "pki.name_constraints": {"ADDRESS_BYTES"},
    "pki.crl": {"(EXTENSIONS_TAG, VERSION_2)", "MAX_NUMBER_BITS"},
    "pki.crl_entries": {"(HOLD, REMOVED)", "reason"},
    "pki.ocsp_response": {"(FIRST, SECOND)", "(GOOD, REVOKED)", "HOLD", "SUCCESSFUL"},
    "report.rules": set(Step.__members__),
    "pdf.plain_history": {"FREED"},
    "pdf.schema": {"HIDING_FLAGS"},
    "secrecy.fonts": {"16", "UNICODE_END", "width"},
    "secrecy.pdf_files": {"files"},
    "secrecy.stream_data": {"(CLEAR, END)", "(FIRST_BITS, LAST_BITS)", "RUN_END", "STEP_BYTES"},
    "store": {"unsigned_annexes"},
    "workers.budget": {"spent_seconds"},
}  # fmt: skip
"""Numbers of a file format, and initial values."""
CACHES = {
    "checks.coverage": {"LINE_BYTES"},
    "cms.ber": {"REMEMBERED_OIDS"},
    "cms.certificate": {"REMEMBERED"},
    "cms.names": {"REMEMBERED"},
    "cms.public_key": {"REMEMBERED"},
    "cms.signed_object": {"REMEMBERED"},
    "diff.new_field": {"REMEMBERED_FIELD_NAMES"},
    "evidence_keeper": {"REMEMBERED_EVIDENCE", "REMEMBERED_SECONDS"},
    "pdf.written_paths": {"MAX_SHAPE_BYTES"},
    "pdf.pyhanko_internals": {"PLAIN_END_BYTES"},
    "pdf.structure_bytes": {"MANY_STRINGS"},
    "pdf.values": {"(REMEMBERED_NAMES, REMEMBERED_NAME_BYTES)"},
    "pki.kept_lists": {"REMEMBERED_NAMES"},
    "pki.revocation_lists": {"REMEMBERED_LISTS"},
    "pki.status": {"REMEMBERED"},
}
"""They make an answer faster, never another one."""
OPERATION = {
    "metrics": {"8"},
    "patterns": {"3", "11", "5"},
    "pki.atomic_file": {"LOCK_SECONDS", "PAUSE_SECONDS"},
    "pki.pins": {"64"},
    "pki.fetch": {"TIMEOUT_SECONDS", "FETCH_SECONDS"},
    "pki.kept_lists": {"32"},
    "report.model": {"(LONGEST_TEXT, CUT_OFF)"},
    "settings": {
        "trust_refresh_seconds", "crl_refresh_seconds", "workers", "document_cpu_seconds", "document_wall_seconds",
        "worker_memory_mib", "documents_per_worker", "package_cpu_seconds", "package_wall_seconds",
    },
    "waiting": {"REMEMBERED"},
    "workers.cache": {"size"},
    "workers.job": {"cpu_seconds", "wall_seconds", "memory_bytes", "kept_bytes", "documents", "tries"},
    "workers.service": {"START_RETRY_SECONDS", "STALE_SECONDS"},
    "workers.worker": {"START_SECONDS", "END_SECONDS"},
}  # fmt: skip
"""The operator's, or about processes, files, names and the version of Python."""
ALLOWED = {
    module: FORMATS.get(module, set()) | CACHES.get(module, set()) | OPERATION.get(module, set())
    for module in {*FORMATS, *CACHES, *OPERATION}
}


@pytest.mark.parametrize("module", [name for name in trees() if name != "policy"])
def test_no_other_module_defines_a_number_that_decides(module: str) -> None:
    assert set(numbers_of(trees()[module])) == ALLOWED.get(module, set())


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("MAX_ITEMS = 64", "MAX_ITEMS"),
        ("MAX_BYTES = 16 * 1024", "MAX_BYTES"),
        ("class A:\n    depth: int = 5", "depth"),
        ("def f(x):\n    return len(x) > 9", "9"),
        ("def f(x):\n    return x[:50]", "50"),
        ("def f():\n    return range(20)", "20"),
        ("def f(x, depth=8):\n    return x", "depth"),
        ("def f(x, *, most=8):\n    return x", "most"),
    ],
)
def test_such_a_number_is_noticed(text: str, number: str) -> None:
    assert number in set(numbers_of(ast.parse(text)))


def test_every_limit_is_used() -> None:
    """A limit that nobody asks for would only seem to decide."""
    code = "".join(ast.unparse(tree) for name, tree in trees().items() if name != "policy")
    groups = [type(getattr(DEFAULT, name)) for name in Policy.__dataclass_fields__]
    limits = [name for group in (Policy, *groups) for name in getattr(group, "__dataclass_fields__", ())]
    assert not [name for name in limits if f".{name}" not in code and name != "xref_entries_per_object"]
