//! A question, a plan, SQL with bound parameters, an answer.
