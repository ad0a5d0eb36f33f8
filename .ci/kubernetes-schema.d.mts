export function schemaProblem(manifest: object): Promise<string | undefined>;
