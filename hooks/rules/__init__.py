"""Rules: ``routes.yaml`` read, checked and compiled, matched against events, rendered into requests and explained."""

from hooks.rules.clauses import Clause, Match
from hooks.rules.explain import explain
from hooks.rules.faults import EvaluationError
from hooks.rules.findings import Finding, RulesInvalid
from hooks.rules.load import load_rules, load_text
from hooks.rules.ruleset import ConnectionConfig, Rule, RuleSet, SourceConfig
from hooks.rules.step import StepSpec

__all__ = [
    "Clause",
    "ConnectionConfig",
    "EvaluationError",
    "Finding",
    "Match",
    "Rule",
    "RuleSet",
    "RulesInvalid",
    "SourceConfig",
    "StepSpec",
    "explain",
    "load_rules",
    "load_text",
]
