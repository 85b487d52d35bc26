/** Bytes of one answer of a service or a directory: what is larger tells nothing that an attribute would take. */
export const answerBytesMax = 65_536
