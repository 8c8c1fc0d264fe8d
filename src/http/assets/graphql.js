// Sends what stands in the fields to this box and shows the answer as text.

const form = document.getElementById("ask");
const answer = document.getElementById("answer");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  form.elements.run.disabled = true;
  answer.setAttribute("aria-busy", "true");
  try {
    const variables = form.elements.variables.value.trim();
    const body = JSON.stringify({ query: form.elements.query.value, variables: variables ? JSON.parse(variables) : {} });
    const said = await fetch("/graphql", { method: "POST", body, headers: { "Content-Type": "application/json" } });
    const text = await said.text();
    answer.textContent = JSON.stringify(JSON.parse(text), null, 2);
  } catch (error) {
    answer.textContent = String(error);
  } finally {
    form.elements.run.disabled = false;
    answer.removeAttribute("aria-busy");
  }
});
