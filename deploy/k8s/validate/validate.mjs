// Validates rendered objects against the schemas of Kubernetes, KEDA and the Prometheus operator: kubectl kustomize DIRECTORY | node validate.mjs
// It tells every object that is wrong, and ends with 1; of an object that has no schema it says so, and that is wrong too.
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const packages = ["kubernetes-models", "@kubernetes-models/keda", "@kubernetes-models/prometheus-operator"];
let wrong = 0;
let right = 0;
for (const document of parseAllDocuments(readFileSync(0, "utf8"))) {
  const object = document.toJS();
  const [group, version] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", object.apiVersion];
  const name = `${object.apiVersion}/${object.kind} ${object.metadata.name}`;
  try {
    new (await modelOf(group, version, object.kind))(object).validate();
    right++;
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    wrong++;
  }
}

console.log(`${right} valid, ${wrong} wrong`);
process.exit(wrong > 0 || right === 0 ? 1 : 0);

async function modelOf(group, version, kind) {
  for (const name of packages) {
    for (const path of [`${group}/${version}/${kind}`, `${group.split(".")[0]}/${version}/${kind}`, `${version}/${kind}`]) {
      try {
        return (await import(`${name}/${path}`))[kind];
      } catch (error) {
        if (error.code !== "ERR_MODULE_NOT_FOUND" && error.code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw error;
      }
    }
  }
  throw new Error("there is no schema for it");
}
