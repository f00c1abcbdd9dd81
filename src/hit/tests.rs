//! Tests of the de-identified hit.
