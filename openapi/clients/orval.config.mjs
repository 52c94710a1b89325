export default {
  doorstep: {
    input: "../openapi.yaml",
    output: { target: "made/orval/api.ts", client: "fetch", mode: "split" },
  },
};
