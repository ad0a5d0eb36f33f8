export function rulesFile(version?: string): string;
export const olderRules: Record<string, (text: string) => string>;
