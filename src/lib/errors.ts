/**
 * An error for an operator: `code` is stable and documented, `message` says what is wrong and where,
 * `mend` what to do about it.
 */
export class LannerError extends Error {
  readonly code: string;
  readonly mend: string;
  constructor(code: string, message: string, mend: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LannerError';
    this.code = code;
    this.mend = mend;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
