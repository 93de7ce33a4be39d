"""Why a CMS cannot be used as a signature."""


class Malformed(ValueError):
    """The text is ours, quotes nothing of the document, and stands in the report."""


class AmbiguousAttribute(Malformed):
    """A signed attribute that must be there once is there twice, or has several values."""
