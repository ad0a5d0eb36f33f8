import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** deploy/monitoring/dashboard.json, as far as tests look at it. */
export interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: unknown }[] };
  panels: Panel[];
}
export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: { refId: string; expr: string; legendFormat: string; datasource: { uid: string } }[];
}

export function readDashboard(): Dashboard {
  const file = join(import.meta.dirname, '../../deploy/monitoring/dashboard.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
}

/** Panel title and query of each target, with Grafana's variables filled in. */
export function queries(dashboard: Dashboard): { title: string; expr: string; legend: string }[] {
  return dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      title,
      legend: legendFormat,
      expr: expr
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$__range', '6h')
        .replaceAll('$instance', '.*'),
    })),
  );
}
