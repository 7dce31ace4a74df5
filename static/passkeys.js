// Passkeys: the server's question goes to the device, its answer into the form, and the form
// is sent as any other. Forms with data-passkey are hidden until this file shows them.
"use strict";
(() => {
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

  const ask = async (form) => {
    const response = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
    const question = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(question.detail || "The server did not answer. Load the page again.");
    return question;
  };
  const create = async (question) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...question,
        challenge: toBytes(question.challenge),
        user: { ...question.user, id: toBytes(question.user.id) },
        excludeCredentials: known(question.excludeCredentials),
      },
    });
    const { attestationObject, clientDataJSON } = made.response;
    const transports = made.response.getTransports ? made.response.getTransports() : [];
    return [made, { attestationObject: toText(attestationObject), clientDataJSON: toText(clientDataJSON), transports }];
  };
  const get = async (question) => {
    const found = await navigator.credentials.get({
      publicKey: {
        ...question,
        challenge: toBytes(question.challenge),
        allowCredentials: known(question.allowCredentials),
      },
    });
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
    return [found, {
      authenticatorData: toText(authenticatorData),
      clientDataJSON: toText(clientDataJSON),
      signature: toText(signature),
      userHandle: userHandle && userHandle.byteLength ? toText(userHandle) : null,
    }];
  };
  const sentence = (error) => {
    if (error.name === "NotAllowedError") return "The device was not asked, or said no. Try again.";
    if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
    if (error.name === "SecurityError") return "Passkeys do not work at this address.";
    return error.message;
  };

  const forms = document.querySelectorAll("form[data-passkey]");
  for (const form of forms) {
    if (!window.PublicKeyCredential) continue;
    form.hidden = false;
    const trouble = form.querySelector("[data-passkey-trouble]");
    const answer = form.elements.answer;
    form.addEventListener("submit", async (event) => {
      if (answer.value) return; // the device has answered: let the form go
      event.preventDefault();
      event.stopPropagation(); // it is not sent yet (app.js marks forms that are)
      trouble.hidden = true;
      try {
        const question = await ask(form);
        const [credential, response] = await (form.dataset.passkey === "create" ? create(question) : get(question));
        answer.value = JSON.stringify({
          id: credential.id,
          rawId: toText(credential.rawId),
          type: credential.type,
          authenticatorAttachment: credential.authenticatorAttachment,
          clientExtensionResults: credential.getClientExtensionResults(),
          response,
        });
        const password = form.elements.password;
        if (password) password.value = ""; // it was asked for already
        form.noValidate = true;
        form.requestSubmit();
      } catch (error) {
        trouble.textContent = sentence(error);
        trouble.hidden = false;
      }
    });
  }
  for (const note of document.querySelectorAll("[data-without-passkeys]")) {
    note.hidden = Boolean(window.PublicKeyCredential);
  }
})();
