package dev.pgkeeper.ui;

/**
 * Why a request is not done.
 *
 * @param status of HTTP
 * @param why in one line for people
 */
record Refusal(int status, String why) {}
