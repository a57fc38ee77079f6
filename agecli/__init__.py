"""agecli: batch machine learning over hundreds of millions of rows, on one machine or on AWS."""

__version__ = "0.1.0"
