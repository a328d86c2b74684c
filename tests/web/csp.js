// Prints what CSP Evaluator finds in a policy, as JSON: [{directive, severity, description}]; severity 10 is "high",
// 20 "syntax", 30 "medium", and so on down.
const { CspEvaluator } = require('csp_evaluator/dist/evaluator.js');
const { CspParser } = require('csp_evaluator/dist/parser.js');

const findings = new CspEvaluator(new CspParser(process.argv[2]).csp).evaluate();
console.log(JSON.stringify(findings.map(({ directive, severity, description }) => ({ directive, severity, description }))));
