"""Makes demo certificate authorities, letters, signatures, wrong documents and edXML packages. Never shipped."""
