/**
 * The source works; what it says of this one key cannot be used. Whoever writes a page too long into their own profile
 * gets no token, and must not close the way to the source for everybody.
 */
export class UnusableAnswer extends Error {}
