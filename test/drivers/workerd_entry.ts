import { runCases } from "../harness.ts";
import { clientSuites } from "../suites/all.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const gatewayUrl = new URL(request.url).searchParams.get("gateway") ?? undefined;
    return Response.json(await runCases(clientSuites, { runtime: "workerd", gatewayUrl }));
  },
};
