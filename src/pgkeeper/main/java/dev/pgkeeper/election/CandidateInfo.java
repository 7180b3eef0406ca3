package dev.pgkeeper.election;

/** Who stands for election, as others are to see it. */
record CandidateInfo(String identity, byte[] data) {}
