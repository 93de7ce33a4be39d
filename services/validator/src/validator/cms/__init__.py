"""ASN.1 and CMS."""
