import { runCases } from "../harness.ts";
import { clientSuites } from "../suites/all.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const { gateway: gatewayUrl, control: controlUrl } = Object.fromEntries(new URL(request.url).searchParams);
    return Response.json(await runCases(clientSuites, { runtime: "workerd", gatewayUrl, controlUrl }));
  },
};
