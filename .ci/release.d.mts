export function sectionOf(changelog: string, version: string): string | undefined;
export function releaseProblems(parts: {
  manifest: { version: string; repository?: { url: string } };
  lock: { version: string };
  chart: { version: string; appVersion: string };
  changelog: string;
  tag?: string | undefined;
}): string[];
