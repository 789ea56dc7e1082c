/** A module that is no dispatcher module. */

export const createDispatcher = null;
