"""``trunk-demo``: a stream of documents on the trunk of this machine, and the sums that must come out."""
