export const presets: string[];
export function manifestsOf(preset: string): string;
export function chartDigest(): string;
export function helm(...args: string[]): { status: number | null; out: string; err: string } | undefined;
export function render(preset: string): string | undefined;
