import type { DetectConfig } from './config.ts';
import { tools as builtIn, categoryEntries, type Tool } from './tools/index.ts';

/** The tools in force: built-in ones and the operator's changes. */
export interface Taxonomy {
  tools: readonly Tool[];
  byId: ReadonlyMap<string, Tool>;
  /** By file name. */
  byName: ReadonlyMap<string, Tool>;
  /** By name as an applet of a multi-call program. */
  byApplet: ReadonlyMap<string, Tool>;
  /** By module form, `python:http.server`. */
  byModule: ReadonlyMap<string, Tool>;
  /** Points of a mere execution. */
  points(tool: Tool): number;
}

/** Puts the operator's changes on top of the built-in tools. A name that two tools claim belongs to the later. */
export function buildTaxonomy(config: DetectConfig['tools']): Taxonomy {
  const replaced = new Set([...config.remove, ...config.add.map((tool) => tool.id)]);
  const added = config.add.map((tool) => tool as Tool).filter((tool) => !config.remove.includes(tool.id));
  const tools = [...builtIn.filter((tool) => !replaced.has(tool.id)), ...added];
  const byId = new Map(tools.map((tool) => [tool.id, tool]));
  const byName = new Map<string, Tool>();
  const byApplet = new Map<string, Tool>();
  const byModule = new Map<string, Tool>();
  for (const tool of tools) {
    for (const name of tool.names) byName.set(name, tool);
    for (const name of tool.applets ?? tool.names) byApplet.set(name, tool);
    for (const name of tool.modules ?? []) byModule.set(name, tool);
  }
  const points = (tool: Tool) =>
    config.points[tool.id] ??
    tool.points ??
    config.points[tool.category] ??
    categoryEntries[tool.category].points;
  return { tools, byId, byName, byApplet, byModule, points };
}
