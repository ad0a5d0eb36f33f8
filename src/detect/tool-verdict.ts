/** The verdict on an exec that runs a tool. */
import type { ExecEvent } from '../model/exec-event.ts';
import type { FindingPeer, IndicatorHit, Severity, ToolUse, TriageStep, Verdict } from '../model/finding.ts';
import type { Context } from './context.ts';
import type { Judged } from './judge.ts';
import { redactHits } from './redact.ts';
import type { Score } from './score.ts';
import { toldPeers } from './told-peers.ts';
import { specificSteps, triage } from './triage.ts';
import { useOf } from './use.ts';
import { techniquesOf, whyOf } from './why.ts';

/** What a judgement says, whichever of the execs that are alike it is of: written when it is read, once. */
export class Telling {
  readonly context: Context;
  readonly score: Score;
  readonly redact: boolean;
  #use: ToolUse | undefined;
  #indicators: IndicatorHit[] | undefined;
  #mitre: string[] | undefined;
  #peers: FindingPeer[] | undefined;
  #steps: TriageStep[] | undefined;

  constructor({ context, score }: Judged, redact: boolean) {
    this.context = context;
    this.score = score;
    this.redact = redact;
  }

  get use(): ToolUse {
    this.#use ??= useOf(this.context);
    return this.#use;
  }
  get indicators(): IndicatorHit[] {
    const { hits } = this.score;
    this.#indicators ??= this.redact ? redactHits(hits) : hits;
    return this.#indicators;
  }
  get mitre(): string[] {
    this.#mitre ??= techniquesOf(this.context, this.score.hits);
    return this.#mitre;
  }
  get peers(): FindingPeer[] {
    this.#peers ??= toldPeers(this.context);
    return this.#peers;
  }
  get steps(): TriageStep[] {
    this.#steps ??= specificSteps(this.context, this.score.hits);
    return this.#steps;
  }
}

/** Most judgements are made to be forgotten: the texts that name the exec are written when somebody reads them. */
export class ToolVerdict implements Verdict {
  readonly severity: Severity;
  readonly #event: ExecEvent;
  readonly #telling: Telling;
  /** How often it was seen before, where that lowered the severity. */
  readonly #seen: number | undefined;
  #why: string[] | undefined;
  #triage: TriageStep[] | undefined;

  constructor(event: ExecEvent, telling: Telling, severity: Severity, seen: number | undefined) {
    this.severity = severity;
    this.#event = event;
    this.#telling = telling;
    this.#seen = seen;
  }

  get score(): number {
    return this.#telling.score.score;
  }
  get tool(): string {
    return this.#telling.context.tool.id;
  }
  get category(): string {
    return this.#telling.context.category;
  }
  get use(): ToolUse {
    return this.#telling.use;
  }
  get indicators(): IndicatorHit[] {
    return this.#telling.indicators;
  }
  get why(): string[] {
    this.#why ??= this.severity === 'none' ? [] : whyOf(this.#event, this.#telling, this.#seen);
    return this.#why;
  }
  get mitre(): string[] {
    return this.severity === 'none' ? [] : this.#telling.mitre;
  }
  get triage(): TriageStep[] {
    const { context, steps } = this.#telling;
    this.#triage ??= this.severity === 'none' ? [] : triage(this.#event, context, steps);
    return this.#triage;
  }
  get peers(): FindingPeer[] {
    return this.#telling.peers;
  }

  /** Getters of a class are no properties of the object. */
  toJSON(): Verdict {
    const { severity, score, tool, category, use, indicators, why, mitre, triage: steps, peers } = this;
    return { severity, score, tool, category, use, indicators, why, mitre, triage: steps, peers };
  }
}
