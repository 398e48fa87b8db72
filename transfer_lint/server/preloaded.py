"""Imports what a worker process needs. The process that the workers are forked from imports it once for all."""

from transfer_codemods import rewrite
from transfer_lint.flow.analysis import Analysis
from transfer_lint.lint import about_lint, judge
from transfer_lint.server.workers import work

__all__ = ["Analysis", "about_lint", "judge", "rewrite", "work"]
