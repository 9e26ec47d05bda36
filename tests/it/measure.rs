//! What campaigns earned: the published e-mail test of Hillstrom, purchases after an assignment, and what cannot be measured.
