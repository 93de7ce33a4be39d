"""ASN.1 and CMS as far as signatures need them: read in place, without deciding what counts."""
