import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectionReference } from '../../src/commands/reference.ts';
import { indicators } from '../../src/detect/indicators/index.ts';
import { mitigations } from '../../src/detect/mitigations/index.ts';
import { tools } from '../../src/detect/tools/index.ts';

const page = detectionReference();

describe('deploy/reference/detection.md', () => {
  it('is what `npm run generate` would write now', () => {
    const written = readFileSync(join(import.meta.dirname, '../../deploy/reference/detection.md'), 'utf8');
    // A boolean: the difference of two long pages helps nobody.
    expect(written === page, 'stale: run npm run generate').toBe(true);
  });

  it('has a row for every tool and a section for every indicator and mitigation', () => {
    for (const tool of tools) expect(page).toContain(`\n| \`${tool.id}\` | `);
    for (const entry of [...indicators, ...mitigations]) expect(page).toContain(`\n### ${entry.id}\n`);
  });

  it('keeps the number of cells in every row of a table', () => {
    const cells = (line: string) => line.split(/(?<!\\)\|/).length;
    let width = 0;
    for (const line of page.split('\n')) {
      if (!line.startsWith('|')) width = 0;
      else {
        if (width === 0) width = cells(line);
        expect(cells(line), line.slice(0, 120)).toBe(width);
      }
    }
  });

  it('links only to headings that it has', () => {
    const headings = [...page.matchAll(/^#+ (.+)$/gm)].map((match) =>
      match[1]!
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !headings.includes(link))).toEqual([]);
  });
});
