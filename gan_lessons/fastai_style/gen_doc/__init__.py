"""`show_doc`, as fastai's own documentation used it: signature, explanation, source."""
