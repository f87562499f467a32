"""The instructors' side: exercises made from their sources, and submissions graded in a sandbox. No lesson imports it.

``wire``, ``runner``, ``sandbox`` and ``bridge`` keep a student's code in a process of its own; ``rebuild``, ``execute``
and ``worker`` mark one submission; ``authoring``, ``intake``, ``book``, ``report`` and ``grade`` do the rest.
"""
