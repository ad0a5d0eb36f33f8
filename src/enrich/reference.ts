import { parseReference } from '../model/image.ts';

/**
 * The digest under which `repository` knows the image, out of `repo@digest` texts. Where none names that
 * repository, all must agree: nothing is guessed.
 */
export function repoDigest(repoDigests: readonly string[], repository?: string): string | undefined {
  const parsed = repoDigests.map(parseReference).filter((one) => one.digest !== undefined);
  const own = parsed.find((one) => one.repository === repository);
  if (own !== undefined) return own.digest;
  return onlyOne(parsed.map((one) => one.digest!));
}

/** The value all agree on, or undefined. */
export function onlyOne<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
