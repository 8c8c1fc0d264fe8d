#!/bin/sh
# Makes the shipped prompts: each text is spoken by espeak-ng, trimmed, levelled and stored as 8 kHz mono µ-law WAV
# in <language>/<name>.wav beside this script. The same versions of espeak-ng and sox make the same bytes again.
# Arabic is written with its vowels: without them a synthesiser guesses, and guesses wrong.
#
#   ./make-prompts.sh            all prompts
#   ./make-prompts.sh welcome    one prompt in every language
#
# To use a person's voice instead, put the recording (wav, mp3, ogg or flac) in the place of the file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
only=${1:-}
made=0

for tool in espeak-ng sox; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt install $tool" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# speak LANGUAGE WORDS_A_MINUTE NAME TEXT
speak() {
    if [ -n "$only" ] && [ "$only" != "$3" ]; then return; fi
    mkdir -p "$here/$1"
    printf '%s' "$4" | espeak-ng -v "$1" -s "$2" --stdin -w "$work/spoken.wav"
    # No dither (-D): it would make other bytes each time. A little silence at both ends keeps words apart.
    sox -D "$work/spoken.wav" -r 8000 -c 1 -e mu-law -b 8 "$work/prompt.wav" \
        silence 1 0.01 0.2% reverse silence 1 0.01 0.2% reverse norm -4 pad 0.06 0.14
    # Whole packets of 20 ms: such a file is played from where it lies in the program, without a copy in memory.
    samples=$(soxi -s "$work/prompt.wav")
    sox -D "$work/prompt.wav" "$here/$1/$3.wav" pad 0 "$(((160 - samples % 160) % 160))s"
    made=$((made + 1))
}

en() { speak en 150 "$1" "$2"; }
ar() { speak ar 140 "$1" "$2"; }

en welcome            "Welcome. Thank you for calling."
ar welcome            "مَرْحَبًا بِكُمْ. شُكْرًا لِاتِّصَالِكُمْ."

en choose-language    "For English, press one."
ar choose-language    "لِلُّغَةِ الْعَرَبِيَّةِ، اِضْغَطْ اِثْنَيْن."

en main-menu          "For sales, press one. For complaints, press two. For reception, press zero. To hear this again, press star."
ar main-menu          "لِلْمَبِيعَاتِ، اِضْغَطْ وَاحِد. لِلشَّكَاوَى، اِضْغَطْ اِثْنَيْن. لِلِاسْتِقْبَالِ، اِضْغَطْ صِفْر. لِسَمَاعِ الْخِيَارَاتِ مَرَّةً أُخْرَى، اِضْغَطْ نَجْمَة."

en invalid            "That is not one of the choices."
ar invalid            "هَذَا الِاخْتِيَارُ غَيْرُ صَحِيح."

en no-input           "We have not received a choice."
ar no-input           "لَمْ نَتَلَقَّ اخْتِيَارَكُمْ."

en please-hold        "Please hold while we connect you."
ar please-hold        "يُرْجَى الِانْتِظَارُ، جَارٍ تَحْوِيلُ مُكَالَمَتِكُمْ."

en all-busy           "All our lines are busy."
ar all-busy           "جَمِيعُ خُطُوطِنَا مَشْغُولَةٌ الْآن."

en nobody-available   "Nobody can take your call at the moment."
ar nobody-available   "لَا يُوجَدُ أَحَدٌ مُتَاحٌ لِلرَّدِّ عَلَى مُكَالَمَتِكُمُ الْآن."

en voicemail-greeting "Please leave a message after the tone. Press hash when you have finished."
ar voicemail-greeting "يُرْجَى تَرْكُ رِسَالَةٍ بَعْدَ سَمَاعِ الصَّافِرَة. اِضْغَطْ مُرَبَّع عِنْدَ الِانْتِهَاء."

en thank-you          "Thank you. We have received your message."
ar thank-you          "شُكْرًا لَكُمْ. لَقَدِ اسْتَلَمْنَا رِسَالَتَكُمْ."

en goodbye            "Goodbye."
ar goodbye            "مَعَ السَّلَامَة."

en closed             "We are closed now. Please call again during our working hours."
ar closed             "نَحْنُ مُغْلَقُونَ الْآن. يُرْجَى مُعَاوَدَةُ الِاتِّصَالِ خِلَالَ سَاعَاتِ الْعَمَل."

en holiday            "We are closed today because of a holiday."
ar holiday            "نَحْنُ مُغْلَقُونَ الْيَوْمَ بِسَبَبِ الْعُطْلَة."

en recorded           "This call may be recorded."
ar recorded           "قَدْ يَتِمُّ تَسْجِيلُ هَذِهِ الْمُكَالَمَة."

en enter-number       "Please enter the number, then press hash."
ar enter-number       "يُرْجَى إِدْخَالُ الرَّقْمِ ثُمَّ الضَّغْطُ عَلَى مُرَبَّع."

en number-unknown     "This number is not in service."
ar number-unknown     "هَذَا الرَّقْمُ غَيْرُ مَوْجُودٍ فِي الْخِدْمَة."

en not-available      "This announcement is not available."
ar not-available      "هَذَا الْإِعْلَانُ غَيْرُ مُتَوَفِّرٍ."

# Message boxes.

en vm-full            "The mailbox is full."
ar vm-full            "صُنْدُوقُ الرَّسَائِلِ مُمْتَلِئ."

en vm-too-short       "I did not hear a message. Please speak after the tone."
ar vm-too-short       "لَمْ نَسْمَعْ رِسَالَة. تَكَلَّمْ بَعْدَ الصَّافِرَة."

en vm-review          "To hear your message, press one. To keep it, two. To erase it, three. To record again, four. If it is urgent, five."
ar vm-review          "لِسَمَاعِ رِسَالَتِكَ اِضْغَطْ وَاحِد. لِحِفْظِهَا اِثْنَيْن. لِحَذْفِهَا ثَلَاثَة. لِتَسْجِيلِهَا مِنْ جَدِيدٍ أَرْبَعَة. إِنْ كَانَتْ عَاجِلَةً خَمْسَة."

en vm-erased          "Erased."
ar vm-erased          "تَمَّ الْحَذْف."

en vm-enter-box       "Please enter the number of the mailbox, then hash."
ar vm-enter-box       "أَدْخِلْ رَقْمَ الصُّنْدُوقِ ثُمَّ مُرَبَّع."

en vm-enter-pin       "Please enter your pin, then hash."
ar vm-enter-pin       "أَدْخِلِ الرَّقْمَ السِّرِّيَّ ثُمَّ مُرَبَّع."

en vm-wrong           "That is not right."
ar vm-wrong           "الرَّقْمُ غَيْرُ صَحِيح."

en vm-no-messages     "There are no messages."
ar vm-no-messages     "لَا تُوجَدُ رَسَائِل."

en vm-new-count       "New messages:"
ar vm-new-count       "عَدَدُ الرَّسَائِلِ الْجَدِيدَة:"

en vm-saved-count     "Saved messages:"
ar vm-saved-count     "عَدَدُ الرَّسَائِلِ الْمَحْفُوظَة:"

en vm-menu            "To listen, press one. For your greeting, zero. To end, hash."
ar vm-menu            "لِلِاسْتِمَاعِ وَاحِد. لِتَرْحِيبِكَ صِفْر. لِلْإِنْهَاءِ مُرَبَّع."

en vm-message-menu    "Again, five. Next, six. Delete, seven. Keep, nine. Details, three. Call back, two. All done, hash."
ar vm-message-menu    "لِلْإِعَادَةِ خَمْسَة. التَّالِيَةُ سِتَّة. لِلْحَذْفِ سَبْعَة. لِلْحِفْظِ تِسْعَة. لِلتَّفَاصِيلِ ثَلَاثَة. لِلِاتِّصَالِ بِالْمُرْسِلِ اِثْنَيْن. لِلْإِنْهَاءِ مُرَبَّع."

en vm-urgent          "Urgent message."
ar vm-urgent          "رِسَالَةٌ عَاجِلَة."

en vm-no-more         "There are no more messages."
ar vm-no-more         "لَا تُوجَدُ رَسَائِلُ أُخْرَى."

en vm-first           "This is the first message."
ar vm-first           "هَذِهِ أَوَّلُ رِسَالَة."

en vm-kept            "Kept."
ar vm-kept            "تَمَّ الْحِفْظ."

en vm-deleted         "Deleted. To take it back, press seven."
ar vm-deleted         "تَمَّ الْحَذْف. لِلتَّرَاجُعِ سَبْعَة."

en vm-from            "From:"
ar vm-from            "مِنَ الرَّقْم:"

en vm-received        "Received:"
ar vm-received        "وَرَدَتْ فِي:"

en vm-greeting-menu   "To record your greeting, press one. To hear it, two. To erase it, three. To go back, star."
ar vm-greeting-menu   "لِتَسْجِيلِ تَرْحِيبِكَ وَاحِد. لِسَمَاعِهِ اِثْنَيْن. لِحَذْفِهِ ثَلَاثَة. لِلرُّجُوعِ نَجْمَة."

en vm-greeting-record "Speak your greeting after the tone, then press hash."
ar vm-greeting-record "سَجِّلْ تَرْحِيبَكَ بَعْدَ الصَّافِرَةِ ثُمَّ مُرَبَّع."

en vm-greeting-review "To hear it, press one. To use it, two. To erase it, three. To record again, four."
ar vm-greeting-review "لِسَمَاعِهِ وَاحِد. لِاسْتِعْمَالِهِ اِثْنَيْن. لِحَذْفِهِ ثَلَاثَة. لِتَسْجِيلِهِ مِنْ جَدِيدٍ أَرْبَعَة."

en vm-greeting-set    "This greeting is in use now."
ar vm-greeting-set    "أَصْبَحَ هَذَا التَّرْحِيبُ مُسْتَعْمَلًا."

[ "$made" -gt 0 ] || { echo "there is no prompt $only in this script" >&2; exit 1; }
echo "$made prompts in $here"
