// Written by `npm run generate` from proto/falco/*.proto.

export const outputsResponseFields = {
  time: 1,
  priority: 2,
  source_deprecated: 3,
  rule: 4,
  output: 5,
  output_fields: 6,
  hostname: 7,
  tags: 8,
  source: 9,
} as const;

export const versionResponseFields = {
  version: 1,
  major: 2,
  minor: 3,
  patch: 4,
  prerelease: 5,
  build: 6,
  engine_minor: 7,
  engine_fields_checksum: 8,
  engine_major: 9,
  engine_patch: 10,
  engine_version: 11,
} as const;
