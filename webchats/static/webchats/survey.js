// The survey after a closed conversation: a score and a comment, then the thanks for them.
//
// createSurvey({ client, config, words, language, onShow, onHide }) adds the survey at the end of the
// log and resolves to `render`, which follows the client's state, and `reset`, for another
// conversation. `language` is that of the configured texts, or empty. `onShow` is called with the
// question when that appears, `onHide` when the survey goes while it has the focus. It never takes
// the focus itself, except for its thanks.
(() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const url = new URL("survey.html?lang=" + document.documentElement.lang, document.currentScript.src);

  // Resolves when the styles are loaded, so that the survey is never shown without them.
  const addElements = async () => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(String(response.status));
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    const styles = template.content.querySelector("link");
    const isStyled = new Promise((resolve) => (styles.onload = styles.onerror = resolve));
    find("log").append(template.content);
    await isStyled;
  };

  window.createSurvey = async ({ client, config, words, language, onShow, onHide }) => {
    await addElements();
    const own = JSON.parse(find("survey-words").textContent);
    const section = find("survey");
    const form = find("rate");
    const thanks = find("thanks");
    const error = find("rate-error");
    const scores = [...form.elements.score];
    const comment = find("comment");
    const submit = find("submit-rating");
    if (config.csatThankYouMessage) {
      find("thank-you").textContent = config.csatThankYouMessage;
      if (language) find("thank-you").lang = language;
    }
    // The visitor changes a rating.
    let isChanging = false;
    let isSending = false;

    const selected = () => scores.find((radio) => radio.checked);
    const scoreName = (score) => own["score_" + score];
    const showScore = () => {
      find("score-name").textContent = selected() ? scoreName(selected().value) : "";
      if (selected()) error.textContent = "";
    };
    const fill = () => {
      for (const radio of scores) radio.checked = radio.value === String(client.rating?.score);
      comment.value = client.rating?.comment ?? "";
      showScore();
    };

    const renderThanks = ({ score, changeableUntil }) => {
      const stars = find("rated");
      stars.ariaLabel = scoreName(score);
      [...stars.children].forEach((star, index) => star.classList.toggle("full", index < score));
      find("rate-again").hidden = Date.parse(changeableUntil) <= Date.now();
    };
    const render = () => {
      const isShown = client.state === "closed" && !client.queue.length;
      const hadFocus = section.contains(document.activeElement);
      if (!isShown) {
        isChanging = false;
        error.textContent = "";
        section.hidden = true;
        if (hadFocus) onHide();
        return;
      }
      const isRated = Boolean(client.rating) && !isChanging;
      if (isRated) renderThanks(client.rating);
      const isAsked = !isRated && (section.hidden || form.hidden);
      section.hidden = false;
      form.hidden = isRated;
      thanks.hidden = !isRated;
      if (isRated && hadFocus && !thanks.contains(document.activeElement)) find("thank-you").focus();
      if (isAsked && !isChanging) onShow(own.question);
    };

    form.addEventListener("change", showScore);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isSending) return;
      if (!selected()) {
        error.textContent = own.rateFirst;
        scores[0].focus();
        return;
      }
      isSending = true;
      submit.textContent = words.sending;
      // The service refuses text that is not well-formed.
      const text = (comment.value.toWellFormed?.() ?? comment.value).replaceAll("\0", "").trim();
      try {
        await client.rate(Number(selected().value), text);
        isChanging = false;
        render();
        find("thank-you").focus();
      } catch ({ status }) {
        error.textContent = words.error;
        // The conversation was reopened, or the rating is too old: the client has read which.
        if (status === 409) {
          isChanging = false;
          render();
        }
      }
      isSending = false;
      submit.textContent = own.rate;
    });
    find("rate-again").addEventListener("click", () => {
      isChanging = true;
      fill();
      render();
      (selected() ?? scores[0]).focus();
    });

    return {
      render,
      reset: () => {
        isChanging = false;
        form.reset();
        showScore();
      },
    };
  };
})();
