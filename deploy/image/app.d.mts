export const imageConfig: {
  User: string;
  Entrypoint: string[];
  Cmd: string[];
  ExposedPorts: Record<string, object>;
  Healthcheck: { Test: string[] };
};
export const parts: { node: string; debian: string };
