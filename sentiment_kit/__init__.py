"""sentiment_kit: the helpers behind a course on adapting BERT to the sentiment of movie reviews.

One lesson, one module, the same words in both: import the module that the lesson is about,
for example ``from sentiment_kit import data``. Importing the package itself starts nothing.
"""

__version__ = "0.1.0"
