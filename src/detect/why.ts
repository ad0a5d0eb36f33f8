/** The sentences of a verdict. */
import type { ExecEvent } from '../model/exec-event.ts';
import type { IndicatorHit } from '../model/finding.ts';
import type { Context } from './context.ts';
import { short } from './phrases.ts';
import { redactLine } from './redact.ts';
import type { Telling } from './tool-verdict.ts';
import { categoryEntries } from './tools/index.ts';

/** Command line as one text, the sensor's own where words were guessed. */
export function commandLine(event: ExecEvent): string {
  const { process } = event;
  const first = process.argv[0] ?? process.binary ?? process.exe ?? '';
  if (process.arguments !== undefined) return `${first} ${process.arguments}`.trim();
  return process.argv.map((word) => (word === '' || /\s/.test(word) ? `'${word}'` : word)).join(' ');
}

/** What happened, then one sentence for each indicator, then what lowered the score. */
export function whyOf(
  event: ExecEvent,
  { context, score, indicators, redact }: Telling,
  seen: number | undefined,
): string[] {
  const line = redact ? redactLine : (text: string) => text;
  const why = [line(headline(event, context))];
  for (const hit of indicators) if (hit.points >= 0) why.push(hit.why);
  for (const hit of score.hits) if (hit.points < 0) why.push(line(`lowered by ${-hit.points}: ${hit.why}`));
  if (seen !== undefined)
    why.push(
      `lowered one step: the same arguments ran ${seen} times before under the same parent in this container`,
    );
  return why;
}

function headline(event: ExecEvent, context: Context): string {
  const { container, process, image } = event;
  const name = container?.name ?? container?.id.slice(0, 12) ?? '';
  const reference = image?.reference ?? image?.repository;
  const user = process.user ?? (process.uid === undefined ? undefined : `uid ${process.uid}`);
  const where = `container ${name}${reference === undefined ? '' : ` (image ${reference})`}`;
  return `${context.tool.id} (${context.category}) was executed in ${where}${user === undefined ? '' : ` by ${user}`}: ${short(commandLine(event), 1000)}`;
}

/** Techniques of what fired, then of the tool, then of its category; no duplicates. */
export function techniquesOf(context: Context, hits: readonly IndicatorHit[]): string[] {
  const category = categoryEntries[context.category as keyof typeof categoryEntries];
  const byWeight = hits.slice().sort((a, b) => Number(b.hard) - Number(a.hard) || b.points - a.points);
  const techniques: string[] = [];
  const add = (id: string) => {
    if (!techniques.includes(id)) techniques.push(id);
  };
  for (const hit of byWeight) hit.mitre.forEach(add);
  context.tool.mitre?.forEach(add);
  category?.mitre.forEach(add);
  return techniques;
}
