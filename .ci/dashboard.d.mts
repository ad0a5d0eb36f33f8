export function dashboard(): string;
