"""The page's pictures: from a study and its measures to Plotly figures, as plain dictionaries.

Plotly's own classes are not used, as they take a second to import; the tests check the
dictionaries with them. Colours are tokens, "@0" to "@7", "@ink", "@dim" and so on, which the page
replaces by those of its theme.
"""
