"""The fast difference check: certainly harmless, or ``Inconclusive``.

A revision is harmless if it changed nothing but what signing and validation data need. Each object of it must have a
role, found by walking down from the catalog, in which its change is harmless:

(q1) nothing freed, no generation but 0, no hybrid table, no object in the file that no table lists;
(q2) the trailer names the same catalog and nothing new;
(q3) new objects have numbers beyond all earlier ones, which no earlier byte mentions (dangling references);
(q4) catalog: only /AcroForm, /DSS, /Extensions, /Version and, between signatures, /Metadata differ;
(q5) form: only /Fields differs, by signature fields added at its end, each new and signed in this revision;
(q6) an empty signature field of earlier revisions may get a value and an appearance;
(q7) page: only /Annots differs, by those fields added at its end;
(q8) document information and metadata change between signatures only: behind the last one nobody vouches for them;
(q9) validation data: arrays of new streams;
(q10) a changed object is used nowhere else: no byte of earlier revisions mentions it but the holder named above.

A name never decides, only the place where an object is referred to. Whatever is left over is ``Inconclusive``.
"""
